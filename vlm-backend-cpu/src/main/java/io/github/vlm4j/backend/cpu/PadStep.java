package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Patches;
import java.util.Arrays;

/**
 * Copies pictures into memory that all threads read, with zeros around each, so that a kernel at
 * the border finds what it multiplies. A part of the work is some lines.
 */
final class PadStep implements Step, Workers.Task {

  private final Team team;
  private final Span x;
  private final int height;
  private final int lineFloats;
  private final int marginFloats;
  private final int padding;
  private final Bands lines;

  /**
   * Lowers the padding of a convolution.
   *
   * @param pictures how many
   */
  PadStep(Team team, Patches patches, Span x, int pictures) {
    this.team = team;
    this.x = x;
    this.height = patches.height();
    this.lineFloats = patches.width() * patches.channels();
    this.padding = patches.padding();
    this.marginFloats = padding * patches.channels();
    team.packed().require((long) pictures * paddedHeight() * paddedLine());
    this.lines =
        Bands.of(
            pictures * paddedHeight(),
            Bands.LEAST_CHEAP / Math.max(1, paddedLine()),
            1,
            team.workers());
  }

  private int paddedHeight() {
    return height + 2 * padding;
  }

  private int paddedLine() {
    return lineFloats + 2 * marginFloats;
  }

  @Override
  public void run() {
    team.workers().run(lines.count(), this);
  }

  @Override
  public void run(int band, int worker) {
    float[] padded = team.packed().array(0);
    for (int line = lines.from(band); line < lines.to(band); line++) {
      int row = line % paddedHeight() - padding;
      int to = line * paddedLine();
      if (row < 0 || row >= height) {
        Arrays.fill(padded, to, to + paddedLine(), 0);
      } else {
        int from = x.at() + (line / paddedHeight() * height + row) * lineFloats;
        Arrays.fill(padded, to, to + marginFloats, 0);
        System.arraycopy(x.floats(), from, padded, to + marginFloats, lineFloats);
        Arrays.fill(padded, to + marginFloats + lineFloats, to + paddedLine(), 0);
      }
    }
  }
}
