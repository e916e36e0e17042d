package io.github.vlm4j.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A stream that remembers why it failed, which a {@link java.io.PrintStream} around it forgets. */
final class Output extends OutputStream {

  private final OutputStream stream;
  private @Nullable IOException failure;

  Output(OutputStream stream) {
    this.stream = stream;
  }

  /** Returns what went wrong; null if all went well or the reader just wanted no more. */
  @Nullable IOException failure() {
    boolean unwanted =
        failure != null
            && String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT).contains("pipe");
    return unwanted ? null : failure;
  }

  @Override
  public void write(int value) throws IOException {
    write(new byte[] {(byte) value}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      stream.write(bytes, offset, length);
    } catch (IOException failed) {
      failure = failed;
      throw failed;
    }
  }
}
