package io.github.vlm4j.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** Paths of found files as a person at the keyboard can use them. */
final class ShownPath {

  /** What would move the cursor, or turn the direction of writing. */
  private static final Pattern UNPRINTABLE =
      Pattern.compile("[\\p{Cc}\\u202a-\\u202e\\u2066-\\u2069]");

  private ShownPath() {}

  /** Returns a path relative to the current folder if it is in there, else absolute. */
  static String of(Path file) {
    try {
      Path here = Path.of("").toRealPath();
      return (file.startsWith(here) ? here.relativize(file) : file).toString();
    } catch (IOException _) {
      return file.toString();
    }
  }

  /** Returns text that came from a file's name without what a terminal would obey. */
  static String printable(String text) {
    return UNPRINTABLE.matcher(text).replaceAll("\ufffd");
  }
}
