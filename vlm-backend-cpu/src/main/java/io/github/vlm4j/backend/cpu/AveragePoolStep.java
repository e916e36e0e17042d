package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.tensor.Shape;

/** The means of windows of pictures, a pixel of the result at a time. */
final class AveragePoolStep implements Step, Workers.Task {

  private final Team team;
  private final Op.AveragePool window;
  private final Span x;
  private final Span y;
  private final int height;
  private final int width;
  private final int channels;
  private final int outHeight;
  private final int outWidth;
  private final Bands pixels;

  /**
   * Lowers a pooling.
   *
   * @param picture {@code [n, h, w, c]}
   * @param result {@code [n, oh, ow, c]}
   */
  AveragePoolStep(Team team, Op.AveragePool window, Span x, Span y, Shape picture, Shape result) {
    this.team = team;
    this.window = window;
    this.x = x;
    this.y = y;
    this.height = (int) picture.dim(1);
    this.width = (int) picture.dim(2);
    this.channels = (int) picture.dim(3);
    this.outHeight = (int) result.dim(1);
    this.outWidth = (int) result.dim(2);
    long pixelFloats = Math.max(1, (long) window.height() * window.width() * channels);
    this.pixels = Bands.of((int) result.rows(), Bands.LEAST_CHEAP / pixelFloats, 1, team.workers());
  }

  @Override
  public void run() {
    team.workers().run(pixels.count(), this);
  }

  @Override
  public void run(int band, int worker) {
    for (int pixel = pixels.from(band); pixel < pixels.to(band); pixel++) {
      average(pixel);
    }
  }

  private void average(int pixel) {
    int column = pixel % outWidth * window.width();
    int row = pixel / outWidth % outHeight * window.height();
    int picture = pixel / outWidth / outHeight;
    float[] to = y.floats();
    int at = y.at() + pixel * channels;
    int from = x.at() + ((picture * height + row) * width + column) * channels;
    System.arraycopy(x.floats(), from, to, at, channels);
    for (int i = 1; i < window.height() * window.width(); i++) {
      int next = from + (i / window.width() * width + i % window.width()) * channels;
      team.elements().add(to, at, x.floats(), next, to, at, channels);
    }
    float part = 1f / (window.height() * window.width());
    for (int i = at; i < at + channels; i++) {
      to[i] *= part;
    }
  }
}
