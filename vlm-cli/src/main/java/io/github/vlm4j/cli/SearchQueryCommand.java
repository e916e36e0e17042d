package io.github.vlm4j.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.search.ContactSheet;
import io.github.vlm4j.search.Match;
import io.github.vlm4j.search.PictureIndex;
import io.github.vlm4j.vision.image.Image;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code vlm search query}: the pictures of an index that are nearest to words or to a picture. */
@Command(
    name = "query",
    description = {
      "Finds the pictures of an index that fit words best, or that are most like a picture.",
      "Prints one line for each, the best first: the cosine of its vector and the question's, and "
          + "its path. A picture that has been deleted since is marked."
    },
    mixinStandardHelpOptions = true)
final class SearchQueryCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Spec CommandSpec command = CommandSpec.create();

  @Parameters(arity = "0..*", paramLabel = "WORDS", description = "What is in the pictures.")
  List<String> words = List.of();

  @Option(
      names = "--image",
      paramLabel = "FILE",
      description = "Finds pictures that are like this one, instead of by words.")
  @Nullable Path image;

  @Option(
      names = "--index",
      required = true,
      paramLabel = "INDEX",
      description = "The folder of an index that vlm search index made.")
  Path index = Path.of("");

  @Option(
      names = {"-k", "--count"},
      paramLabel = "N",
      defaultValue = "10",
      description =
          "How many pictures, 1 to " + PictureIndex.MAX_RESULTS + ". Default: ${DEFAULT-VALUE}.")
  int count;

  @Option(names = "--json", description = "Prints one JSON document.")
  boolean json;

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description =
          "Also writes a page to look at, with small copies of the pictures in it; it needs no "
              + "other file.")
  @Nullable Path html;

  @Mixin SearchModel searchModel = new SearchModel();

  SearchQueryCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    if (words.isEmpty() == (image == null)) {
      throw new ParameterException(
          command.commandLine(), "Give either words or --image FILE to search for");
    }
    if (count < 1 || count > PictureIndex.MAX_RESULTS) {
      throw new ParameterException(
          command.commandLine(), "-k must be 1 to " + PictureIndex.MAX_RESULTS + ", not " + count);
    }
    searchModel.check(terminal);
    if (html != null) {
      requireWritable(html);
    }
    String question = image == null ? String.join(" ", words) : image.toString();
    List<Match> matches = search(question);
    if (html != null) {
      terminal.progress("Writing " + html);
      ContactSheet.write(html, question, matches);
      terminal.clearProgress();
    }
    if (json) {
      printJson(question, matches);
    } else {
      print(matches);
    }
    return Main.OK;
  }

  private static void requireWritable(Path page) {
    if (Files.isDirectory(page)) {
      throw new InputException(page + " is a folder; name the page to write with --html.");
    }
    OutputFile.requireWritable(page, "the page to write");
  }

  private List<Match> search(String question) {
    try (PictureIndex open = PictureIndex.open(index);
        ClipEmbedder embedder = searchModel.load(terminal, open.model())) {
      open.requireModel(embedder.model());
      float[] vector =
          image == null
              ? embedder.embed(question)
              : embedder.embed(List.of(Image.of(image))).getFirst();
      return open.nearest(vector, count);
    }
  }

  private void printJson(String question, List<Match> matches) {
    ObjectNode document = Json.object();
    document.put("query", question);
    ArrayNode results = document.putArray("results");
    for (Match match : matches) {
      ObjectNode node = results.addObject();
      node.put("image", ShownPath.of(match.file()));
      node.put("score", match.score());
      node.put("missing", match.missing());
    }
    Json.print(terminal.out(), document);
  }

  private void print(List<Match> matches) {
    for (Match match : matches) {
      terminal
          .out()
          .println(
              String.format(
                  Locale.ROOT,
                  "%7.4f  %s%s",
                  match.score(),
                  ShownPath.printable(ShownPath.of(match.file())),
                  match.missing() ? "  (gone)" : ""));
    }
  }
}
