package io.github.vlm4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** The pictures of a command line, which may be named with or without an option. */
final class PictureFiles {

  private PictureFiles() {}

  static List<Path> of(List<Path> parameters, List<Path> options, CommandSpec command) {
    List<Path> all = new ArrayList<>(parameters);
    all.addAll(options);
    if (all.isEmpty()) {
      throw new ParameterException(command.commandLine(), "Name at least one picture");
    }
    return all;
  }
}
