package io.github.vlm4j.search;

import io.github.vlm4j.core.InputException;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;

/**
 * A page that shows what was found: small copies of the pictures with their paths and scores. It is
 * one HTML file that needs nothing else, no script and no network; each picture links to its file.
 */
public final class ContactSheet {

  private static final String STYLE =
      """
      :root { color-scheme: light dark; --back: #fafafa; --tile: #fff; --edge: #d8d8d8; \
      --text: #1a1a1a; --soft: #5f5f5f }
      @media (prefers-color-scheme: dark) { :root { --back: #161616; --tile: #222; \
      --edge: #3a3a3a; --text: #ececec; --soft: #a8a8a8 } }
      body { margin: 2rem; background: var(--back); color: var(--text); \
      font: 1rem/1.4 system-ui, sans-serif }
      h1 { font-size: 1.4rem; overflow-wrap: anywhere }
      p { color: var(--soft) }
      ol { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); \
      gap: 1rem; padding: 0; list-style: none }
      li { display: flex; flex-direction: column; background: var(--tile); \
      border: 1px solid var(--edge); border-radius: .5rem; overflow: hidden }
      .picture { display: flex; align-items: center; justify-content: center; height: 14rem; \
      color: var(--soft); text-align: center }
      img { max-width: 100%; max-height: 14rem }
      .about { padding: .6rem .8rem; border-top: 1px solid var(--edge) }
      .score { font-variant-numeric: tabular-nums; font-weight: 600 }
      .path { display: block; font-size: .85rem; color: var(--soft); overflow-wrap: anywhere }
      """;

  private static final String POLICY =
      "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

  private ContactSheet() {}

  /**
   * Writes a page. It goes to a file beside, which is moved into place when it is complete.
   *
   * @param file the page, replaced if it exists
   * @param heading what was asked for
   * @param matches what was found, in the order to show
   * @throws InputException if the page cannot be written
   */
  public static void write(Path file, String heading, List<Match> matches) {
    Path target = file.toAbsolutePath();
    try {
      // Not a temporary file of the JDK's, which nobody else could read.
      Path partial = target.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID());
      try {
        try (BufferedWriter out = Files.newBufferedWriter(partial, StandardOpenOption.CREATE_NEW)) {
          write(out, heading, matches);
        }
        move(partial, target);
      } finally {
        Files.deleteIfExists(partial);
      }
    } catch (IOException failed) {
      throw new InputException(
          "The page "
              + file
              + " cannot be written ("
              + failed
              + "); name a file in a folder that exists and can be written.",
          failed);
    }
  }

  private static void move(Path partial, Path target) throws IOException {
    try {
      Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException _) {
      Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static void write(BufferedWriter out, String heading, List<Match> matches)
      throws IOException {
    out.write(
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="%s">
        <title>%s</title>
        <style>
        %s</style>
        </head>
        <body>
        <h1>%s</h1>
        <p>%s</p>
        <ol>
        """
            .formatted(
                POLICY,
                escape(heading),
                STYLE,
                escape(heading),
                matches.size() == 1 ? "1 picture" : matches.size() + " pictures"));
    for (Match match : matches) {
      write(out, match);
    }
    out.write("</ol>\n</body>\n</html>\n");
  }

  private static void write(BufferedWriter out, Match match) throws IOException {
    String path = escape(match.file().toString());
    Optional<String> thumbnail =
        match.missing() ? Optional.empty() : Thumbnail.dataUri(match.file());
    String picture =
        thumbnail
            .map(uri ->
                "<a class=\"picture\" href=\"%s\"><img src=\"%s\" alt=\"%s\"></a>"
                    .formatted(escape(match.file().toUri().toASCIIString()), uri, path))
            .orElseGet(() ->
                "<span class=\"picture\">%s</span>"
                    .formatted(
                        match.missing()
                            ? "This file is gone."
                            : "This file cannot be read any more."));
    out.write(
        String.format(
            Locale.ROOT,
            "<li>%s<div class=\"about\"><span class=\"score\">%.4f</span>"
                + "<span class=\"path\">%s</span></div></li>%n",
            picture,
            match.score(),
            path));
  }

  /** Control characters would be errors in HTML, and half characters in UTF-8. */
  private static String escape(String text) {
    StringBuilder escaped = new StringBuilder();
    text.codePoints()
        .forEach(point -> {
          switch (point) {
            case '<' -> escaped.append("&lt;");
            case '>' -> escaped.append("&gt;");
            case '&' -> escaped.append("&amp;");
            case '"' -> escaped.append("&quot;");
            case '\'' -> escaped.append("&#39;");
            default -> {
              boolean unusable =
                  Character.isISOControl(point) || Character.getType(point) == Character.SURROGATE;
              escaped.appendCodePoint(unusable ? 0xFFFD : point);
            }
          }
        });
    return escaped.toString();
  }
}
