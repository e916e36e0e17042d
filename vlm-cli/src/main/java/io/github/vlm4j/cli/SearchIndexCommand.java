package io.github.vlm4j.cli;

import io.github.vlm4j.search.IndexSummary;
import io.github.vlm4j.search.ModelIdentity;
import io.github.vlm4j.search.PictureIndex;
import io.github.vlm4j.search.PictureIndexer;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code vlm search index}: brings an index in line with a folder of pictures. */
@Command(
    name = "index",
    description = {
      "Brings an index in line with a folder of pictures and all folders in it.",
      "New pictures are added, changed ones (of another size or time) replaced, deleted ones"
          + " dropped; the rest is left alone. A run that was interrupted, even killed, is"
          + " continued by the next. Broken pictures are told and skipped, and not tried again"
          + " until they change; the exit code is 0 all the same.",
      "Pictures are files named .jpg, .png, .gif, .bmp, .tif, .webp (and jpeg, jpe, jfif, dib, "
          + "tiff). Hidden files and folders are left out; links are followed, each folder once."
    },
    mixinStandardHelpOptions = true)
final class SearchIndexCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Parameters(
      paramLabel = "DIR",
      description =
          "The folder of pictures. It may be moved later, its pictures are then not embedded "
              + "again.")
  Path folder = Path.of("");

  @Option(
      names = "--index",
      required = true,
      paramLabel = "INDEX",
      description =
          "The folder of the index, made if it is not there. It belongs to one folder of pictures "
              + "and one model.")
  Path index = Path.of("");

  @Mixin SearchModel searchModel = new SearchModel();

  SearchIndexCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    searchModel.check(terminal);
    @Nullable ModelIdentity remembered = PictureIndex.modelOf(index).orElse(null);
    try (ClipEmbedder embedder = searchModel.load(terminal, remembered)) {
      IndexSummary summary =
          new PictureIndexer(embedder, new IndexProgress(terminal)).update(folder, index);
      terminal.clearProgress();
      terminal.out().println(said(summary));
      return Main.OK;
    }
  }

  static String said(IndexSummary summary) {
    String counts =
        String.format(
            Locale.ROOT,
            "indexed %d, unchanged %d, replaced %d, removed %d, broken %d in %.1f s",
            summary.indexed(),
            summary.unchanged(),
            summary.replaced(),
            summary.removed(),
            summary.broken(),
            summary.time().toNanos() / 1e9);
    return summary.indexed() + summary.replaced() == 0
        ? counts
        : counts + String.format(Locale.ROOT, " (%.1f images/s)", summary.imagesPerSecond());
  }
}
