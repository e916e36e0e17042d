package io.github.vlm4j.cli;

import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.Constructor;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The main class. The JVM announces every incubator module on its stderr before any code runs; the
 * launcher script therefore starts it with stderr closed off and hands the real one over as another
 * file descriptor, which is taken here.
 */
public final class Launcher {

  private static final int USUAL_STDERR = 2;

  private Launcher() {}

  /** Runs the command line and exits with its code. */
  public static void main(String[] args) {
    PrintStream err = stderr();
    System.setErr(err);
    Output stdout = new Output(new FileOutputStream(FileDescriptor.out));
    PrintStream out = new PrintStream(stdout, false, StandardCharsets.UTF_8);
    boolean watched = Boolean.getBoolean("vlm.stderr.terminal");
    Terminal terminal = new Terminal(System.in, out, err, watched, watched && isTyped());
    AtomicBoolean finished = new AtomicBoolean();
    if (watched) {
      leaveCleanLine(terminal, finished);
    }

    int code = Main.run(terminal, args);
    IOException failure = stdout.failure();
    if (failure != null) {
      err.println("vlm: standard output cannot be written: " + failure.getMessage());
    }
    finished.set(true);
    System.exit(code);
  }

  /** The console of java.base, which JDK 25 takes again, is null where input is not typed. */
  @SuppressWarnings("SystemConsoleNull")
  private static boolean isTyped() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  /** After Ctrl-C the shell goes on at the beginning of a line, not behind half an answer. */
  private static void leaveCleanLine(Terminal terminal, AtomicBoolean finished) {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> {
              if (!finished.get()) {
                terminal.clearProgress();
                terminal.err().println();
              }
            }));
  }

  /** Returns the real stderr. */
  static PrintStream stderr() {
    int number = Integer.getInteger("vlm.stderr.fd", USUAL_STDERR);
    return new PrintStream(
        new FileOutputStream(number == USUAL_STDERR ? FileDescriptor.err : descriptor(number)),
        true,
        StandardCharsets.UTF_8);
  }

  private static FileDescriptor descriptor(int number) {
    try {
      Constructor<FileDescriptor> constructor =
          FileDescriptor.class.getDeclaredConstructor(int.class);
      constructor.setAccessible(true);
      return constructor.newInstance(number);
    } catch (ReflectiveOperationException | RuntimeException notOpened) {
      return FileDescriptor.err;
    }
  }
}
