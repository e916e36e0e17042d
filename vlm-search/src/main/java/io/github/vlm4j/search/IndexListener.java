package io.github.vlm4j.search;

import java.nio.file.Path;

/** Is told how indexing goes. All calls come from the thread that asked for it. */
public interface IndexListener {

  /** Hears nothing. */
  IndexListener SILENT =
      new IndexListener() {
        @Override
        public void looking(long pictures) {}

        @Override
        public void embedding(long done, long pictures) {}

        @Override
        public void skipped(Path file, String reason) {}
      };

  /**
   * Called while the folder is compared with the index, now and then.
   *
   * @param pictures picture files seen so far
   */
  void looking(long pictures);

  /**
   * Called when it is known how much is to be done, and then after each batch.
   *
   * @param done pictures dealt with
   * @param pictures pictures that are new or have changed, as far as known
   */
  void embedding(long done, long pictures);

  /**
   * Called for a file or folder that cannot be read and is therefore left out. A broken picture is
   * told once: it is not looked at again unless it changes.
   *
   * @param file the picture or folder
   * @param reason a sentence
   */
  void skipped(Path file, String reason);
}
