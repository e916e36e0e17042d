package io.github.vlm4j.search;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.search.PreparedPicture.Broken;
import io.github.vlm4j.search.PreparedPicture.Decoded;
import io.github.vlm4j.vision.image.Image;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Brings an index on disk in line with a folder of pictures, however large: new pictures are
 * embedded and added, changed ones replaced, entries of deleted ones removed, and all others left
 * alone.
 *
 * <p>The folder is walked with all folders in it. Files count as pictures by their extension (jpg,
 * png, gif, bmp, tiff, webp and their other spellings); hidden files and folders are left out.
 * Symbolic links are followed, each folder once. A picture is known by its path below the folder
 * and has changed if its size or its time of modification has; so a folder that was moved as a
 * whole, or copied with its times, is indexed again without embedding anything.
 *
 * <p>Work is committed to disk every 20 seconds or 1,000 pictures, and when the embedder fails. A
 * run that was interrupted, or killed, is continued by the next one.
 */
public final class PictureIndexer {

  /** The most pictures that are embedded together. */
  public static final int BATCH = 8;

  private static final int REPORT_EVERY = 256;
  private static final int PROBE_SIDE = 64;

  private final Embedder embedder;
  private final IndexListener listener;

  /**
   * Prepares to index.
   *
   * @param embedder makes the vectors; called from the thread that calls {@link #update} only
   * @param listener is told how it goes
   */
  public PictureIndexer(Embedder embedder, IndexListener listener) {
    this.embedder = embedder;
    this.listener = listener;
  }

  /**
   * Brings an index in line with a folder.
   *
   * @param folder the pictures
   * @param index the folder of the index; made if it is not there
   * @return what was done
   * @throws InputException if a folder cannot be used, the index belongs to another folder or
   *     another model, another process is writing to it, or no picture is left of those it has
   * @throws io.github.vlm4j.core.CheckpointException if the index is damaged
   * @throws io.github.vlm4j.core.VlmException whatever the embedder throws
   */
  public IndexSummary update(Path folder, Path index) {
    Path root = root(folder);
    requireApart(root, index);
    IndexFolder.metadata(index).ifPresent(made -> requireOwn(index, made, root));
    try (PictureWriter writer = PictureWriter.open(index)) {
      Optional<IndexMetadata> made = IndexFolder.metadata(index);
      made.ifPresent(before -> requireOwn(index, before, root));
      try (Run run = new Run(root, index, writer)) {
        return run.complete(made);
      }
    }
  }

  private static Path root(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new InputException(
          folder
              + (Files.exists(folder) ? " is not a folder" : " does not exist")
              + ", expected a folder of pictures; check the path.");
    }
    try {
      return folder.toRealPath();
    } catch (IOException failed) {
      throw new InputException(
          "The folder " + folder + " cannot be read (" + failed + "); check its permissions.",
          failed);
    }
  }

  private static void requireApart(Path root, Path index) {
    if (realPath(index).equals(root)) {
      throw new InputException(
          index + " is the folder of pictures itself; choose another folder for the index.");
    }
  }

  private static Path realPath(Path path) {
    try {
      return path.toRealPath();
    } catch (IOException _) {
      return path.toAbsolutePath().normalize();
    }
  }

  private void requireOwn(Path index, IndexMetadata made, Path root) {
    made.requireModel(index, embedder.model());
    if (!made.folder().equals(root) && Files.isDirectory(made.folder())) {
      throw new InputException(
          "The index "
              + index
              + " is of the folder "
              + made.folder()
              + ", not of "
              + root
              + "; choose another folder for the index.");
    }
  }

  /** One update. */
  private final class Run implements AutoCloseable {

    private final long start = System.nanoTime();
    private final Path root;
    private final Path index;
    private final PictureWriter writer;
    private final IndexedPictures indexed;
    private long pending;
    private long done;
    private long added;
    private long unchanged;
    private long replaced;
    private long removed;
    private long broken;

    Run(Path root, Path index, PictureWriter writer) {
      this.root = root;
      this.index = index;
      this.writer = writer;
      indexed = writer.contents();
    }

    IndexSummary complete(Optional<IndexMetadata> made) {
      compare();
      IndexMetadata metadata = new IndexMetadata(root, embedder.model());
      if (removed > 0 || !made.equals(Optional.of(metadata))) {
        writer.describe(metadata);
      }
      if (pending > 0) {
        embed();
        writer.commit();
      }
      return new IndexSummary(
          added, unchanged, replaced, removed, broken, Duration.ofNanos(System.nanoTime() - start));
    }

    /** Counts what is to be done, and removes what is gone. */
    private void compare() {
      try (PictureWalk walk = new PictureWalk(root, realPath(index), listener::skipped)) {
        long pictures = 0;
        for (PictureFile file = walk.next(); file != null; file = walk.next()) {
          PictureFile found = file;
          switch (IndexFailure.guard(index, () -> indexed.compare(found))) {
            case NEW, CHANGED -> pending++;
            case UNCHANGED -> unchanged++;
            case BROKEN -> broken++;
          }
          if (++pictures % REPORT_EVERY == 0) {
            listener.looking(pictures);
          }
        }
        if (pictures == 0 && !indexed.isEmpty()) {
          throw new InputException(
              "There is no picture in "
                  + root
                  + ", though the index "
                  + index
                  + " has some; if they are gone for good and not just a disk that is missing,"
                  + " delete the folder of the index.");
        }
        removed = IndexFailure.guard(index, () -> indexed.forUnseen(name -> remove(walk, name)));
      }
    }

    private boolean remove(PictureWalk walk, String name) {
      if (walk.isUnknown(name)) {
        return false;
      }
      writer.remove(name);
      return true;
    }

    private void embed() {
      listener.embedding(0, pending);
      PictureWalk walk = new PictureWalk(root, realPath(index), (file, reason) -> {});
      try (PictureSource source = new PictureSource(walk, indexed)) {
        List<PreparedPicture> batch = IndexFailure.guard(index, source::next);
        while (!batch.isEmpty()) {
          take(batch);
          writer.commitIfDue();
          done += batch.size();
          listener.embedding(done, Math.max(done, pending));
          batch = IndexFailure.guard(index, source::next);
        }
      } catch (RuntimeException | Error failure) {
        keep(failure);
        throw failure;
      }
    }

    /** What was embedded before a failure need not be embedded again. */
    private void keep(Throwable failure) {
      try {
        writer.commit();
      } catch (RuntimeException alsoFailed) {
        failure.addSuppressed(alsoFailed);
      }
    }

    private void take(List<PreparedPicture> batch) {
      List<Decoded> decoded = new ArrayList<>();
      for (PreparedPicture picture : batch) {
        switch (picture) {
          case Decoded one -> decoded.add(one);
          case Broken one -> skip(one);
        }
      }
      if (decoded.isEmpty()) {
        return;
      }
      try {
        store(decoded, embedder.embed(decoded.stream().map(Decoded::image).toList()));
      } catch (InputException unusable) {
        requireWorkingEmbedder();
        decoded.forEach(this::takeAlone);
      }
    }

    /** Tells a model that cannot take one picture from a model that cannot take any. */
    private void requireWorkingEmbedder() {
      byte[] grey = new byte[3 * PROBE_SIDE * PROBE_SIDE];
      Arrays.fill(grey, (byte) 128);
      embedder.embed(List.of(Image.ofRgb(grey, PROBE_SIDE, PROBE_SIDE)));
    }

    private void takeAlone(Decoded picture) {
      try {
        store(List.of(picture), embedder.embed(List.of(picture.image())));
      } catch (InputException unusable) {
        skip(new Broken(picture.file(), unusable.getMessage(), true));
      }
    }

    private void store(List<Decoded> pictures, List<float[]> vectors) {
      for (int i = 0; i < pictures.size(); i++) {
        Decoded picture = pictures.get(i);
        float[] vector = UnitVector.of(vectors.get(i), embedder.model());
        if (vector == null) {
          String name = String.valueOf(picture.file().path().getFileName());
          skip(new Broken(picture.file(), name + " has no direction in the model's space.", true));
          continue;
        }
        writer.put(picture.file(), vector);
        if (picture.known()) {
          replaced++;
        } else {
          added++;
        }
      }
    }

    private void skip(Broken picture) {
      if (Files.notExists(picture.file().path())) {
        return;
      }
      broken++;
      listener.skipped(picture.file().path(), picture.reason());
      if (picture.lasting()) {
        writer.put(picture.file(), null);
      }
    }

    @Override
    public void close() {
      IndexFailure.guard(
          index,
          () -> {
            indexed.close();
            return true;
          });
    }
  }
}
