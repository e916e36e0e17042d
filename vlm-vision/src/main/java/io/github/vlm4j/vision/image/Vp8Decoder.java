package io.github.vlm4j.vision.image;

import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The lossy coding of WebP: a VP8 key frame (RFC 6386), to the last bit as libwebp decodes it. Here
 * because the ImageIO plugins differ from it by 5 levels of 255 on average.
 */
final class Vp8Decoder {

  private static final int HEADER_BYTES = 10;
  private static final int SUBBLOCK_PREDICTION = 4;
  private static final int SEGMENTS = 4;
  private static final int MAX_QUANTISER = 127;
  private static final int MAX_FILTER_LEVEL = 63;

  private static final int[] SUBBLOCK_TREE = {
    0, 2, -1, 4, -2, 6, 8, 12, -3, 10, -5, -6, -4, 14, -7, 16, -8, -9
  };

  private final Dimensions size;
  private final int columns;
  private final int rows;
  private final Vp8BoolReader header;
  private final Vp8Tokens tokens;
  private final Vp8BoolReader[] partitions;
  private final Vp8Plane luma;
  private final Vp8Plane blueness;
  private final Vp8Plane redness;

  private boolean updateSegmentMap;
  private final int[] segmentProbabilities = {255, 255, 255};
  private final Segment[] segments = new Segment[SEGMENTS];
  private boolean simpleFilter;
  private int sharpness;
  private int subblockFilterDelta;
  private int skipProbability = -1;

  /** Subblock modes of the row above and the column to the left, the context of the next ones. */
  private final int[] modesAbove;

  private final int[] modesLeft = new int[4];
  private final int[] modes = new int[16];
  private final Vp8LoopFilter.Strength[] strengths;

  /** The quantiser steps and the filter level of a segment. */
  private record Segment(Vp8Tokens.Steps steps, int filterLevel) {}

  private Vp8Decoder(Bytes data) {
    size = size(data);
    columns = (size.width() + 15) >> 4;
    rows = (size.height() + 15) >> 4;
    long firstBytes = data.u24(0) >> 5;
    header = new Vp8BoolReader(data.slice(HEADER_BYTES, firstBytes));
    luma = new Vp8Plane(16 * columns, 16 * rows);
    blueness = new Vp8Plane(8 * columns, 8 * rows);
    redness = new Vp8Plane(8 * columns, 8 * rows);
    modesAbove = new int[4 * columns];
    strengths = new Vp8LoopFilter.Strength[Math.multiplyExact(columns, rows)];
    tokens = new Vp8Tokens(columns);
    // Colour space and clamping type: libwebp takes no notice of them either.
    header.literal(2);
    int partitionBits = readFrameHeader();
    partitions = partitions(data, HEADER_BYTES + firstBytes, 1 << partitionBits);
  }

  static Dimensions size(Bytes data) {
    int tag = data.u8(0);
    boolean keyFrame = (tag & 1) == 0;
    int profile = (tag >> 1) & 7;
    if (!keyFrame || profile > 3 || !data.startsWith(3, "\u009d\u0001*")) {
      throw new UnreadableImageException("its WebP data does not begin with a VP8 key frame");
    }
    return new Dimensions(
        data.u16(6, ByteOrder.LITTLE_ENDIAN) & 0x3fff,
        data.u16(8, ByteOrder.LITTLE_ENDIAN) & 0x3fff);
  }

  /** RGB, `[height, width, 3]`. */
  static byte[] decodeRgb(Bytes data) {
    return new Vp8Decoder(data).decode();
  }

  private byte[] decode() {
    for (int row = 0; row < rows; row++) {
      Vp8BoolReader partition = partitions[row % partitions.length];
      Arrays.fill(modesLeft, Vp8Prediction.B_DC);
      tokens.beginRow();
      for (int column = 0; column < columns; column++) {
        decodeMacroblock(column, row, partition);
      }
      header.requireData();
      partition.requireData();
      repeatLastSample(16 * row + 15);
    }
    // Prediction reads unfiltered samples, so filtering waits until the whole frame is there.
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        filter(column, row, strengths[row * columns + column]);
      }
    }
    return Vp8Colour.toRgb(luma, blueness, redness, size);
  }

  private int readFrameHeader() {
    boolean segmented = header.flag();
    boolean absolute = false;
    int[] quantisers = new int[SEGMENTS];
    int[] levels = new int[SEGMENTS];
    if (segmented) {
      updateSegmentMap = header.flag();
      if (header.flag()) {
        absolute = header.flag();
        for (int i = 0; i < SEGMENTS; i++) {
          quantisers[i] = header.optional(7);
        }
        for (int i = 0; i < SEGMENTS; i++) {
          levels[i] = header.optional(6);
        }
      }
      for (int i = 0; updateSegmentMap && i < segmentProbabilities.length; i++) {
        segmentProbabilities[i] = header.flag() ? header.literal(8) : 255;
      }
    }
    simpleFilter = header.flag();
    int level = header.literal(6);
    sharpness = header.literal(3);
    int intraDelta = readFilterDeltas();
    int partitionBits = header.literal(2);
    int quantiser = header.literal(7);
    int[] deltas = new int[5];
    for (int i = 0; i < deltas.length; i++) {
      deltas[i] = header.optional(4);
    }
    for (int i = 0; i < SEGMENTS; i++) {
      int base = absolute ? 0 : quantiser;
      int baseLevel = absolute ? 0 : level;
      // A frame without filtering stays without it, whatever a segment says.
      int segmentLevel = level == 0 ? 0 : (segmented ? baseLevel + levels[i] : level) + intraDelta;
      segments[i] =
          new Segment(steps(segmented ? base + quantisers[i] : quantiser, deltas), segmentLevel);
    }
    if (level == 0) {
      subblockFilterDelta = 0;
    }
    header.flag();
    tokens.readProbabilities(header);
    if (header.flag()) {
      skipProbability = header.literal(8);
    }
    return partitionBits;
  }

  /** Adjustments of the filter level; in a key frame only two of the eight can apply. */
  private int readFilterDeltas() {
    boolean enabled = header.flag();
    boolean updated = enabled && header.flag();
    if (!updated) {
      return 0;
    }
    int[] deltas = new int[8];
    for (int i = 0; i < deltas.length; i++) {
      deltas[i] = header.optional(6);
    }
    subblockFilterDelta = deltas[4];
    return deltas[0];
  }

  private static Vp8Tokens.Steps steps(int index, int[] deltas) {
    int quantiser = Math.clamp(index, 0, MAX_QUANTISER);
    return new Vp8Tokens.Steps(
        step(Vp8Constants.DC_STEPS, quantiser + deltas[0]),
        step(Vp8Constants.AC_STEPS, quantiser),
        step(Vp8Constants.DC_STEPS, quantiser + deltas[1]) * 2,
        Math.max(step(Vp8Constants.AC_STEPS, quantiser + deltas[2]) * 155 / 100, 8),
        Math.min(step(Vp8Constants.DC_STEPS, quantiser + deltas[3]), 132),
        step(Vp8Constants.AC_STEPS, quantiser + deltas[4]));
  }

  private static int step(int[] steps, int index) {
    return steps[Math.clamp(index, 0, MAX_QUANTISER)];
  }

  private static Vp8BoolReader[] partitions(Bytes data, long sizesAt, int count) {
    Vp8BoolReader[] readers = new Vp8BoolReader[count];
    long at = sizesAt + 3L * (count - 1);
    for (int i = 0; i < count; i++) {
      long bytes = i < count - 1 ? data.u24(sizesAt + 3L * i) : data.length() - at;
      readers[i] = new Vp8BoolReader(data.slice(at, bytes));
      at += bytes;
    }
    return readers;
  }

  private void decodeMacroblock(int column, int row, Vp8BoolReader partition) {
    int segment = 0;
    if (updateSegmentMap) {
      segment =
          header.bit(segmentProbabilities[0]) == 0
              ? header.bit(segmentProbabilities[1])
              : 2 + header.bit(segmentProbabilities[2]);
    }
    boolean skip = skipProbability >= 0 && header.bit(skipProbability) != 0;
    int mode = readLumaMode(column);
    int chromaMode = readChromaMode();
    Segment parameters = segments[segment];
    boolean whole = mode != SUBBLOCK_PREDICTION;
    boolean coded = tokens.read(partition, column, whole, skip, parameters.steps());

    int x = 16 * column;
    int y = 16 * row;
    int[] coefficients = tokens.coefficients();
    if (whole) {
      Vp8Prediction.predict(luma, x, y, 16, mode);
    }
    for (int block = 0; block < 16; block++) {
      int blockX = x + 4 * (block & 3);
      int blockY = y + 4 * (block >> 2);
      if (!whole) {
        // The subblocks at the right share the samples above the macroblock to the right.
        int aboveRight =
            (block & 3) == 3 ? luma.index(x + 16, y - 1) : luma.index(blockX + 4, blockY - 1);
        Vp8Prediction.predictSubblock(luma, blockX, blockY, aboveRight, modes[block]);
      }
      if (coded) {
        Vp8Prediction.addInverseDct(luma, blockX, blockY, coefficients, 16 * block);
      }
    }
    Vp8Prediction.predict(blueness, x / 2, y / 2, 8, chromaMode);
    Vp8Prediction.predict(redness, x / 2, y / 2, 8, chromaMode);
    for (int block = 0; coded && block < 4; block++) {
      int blockX = x / 2 + 4 * (block & 1);
      int blockY = y / 2 + 4 * (block >> 1);
      Vp8Prediction.addInverseDct(blueness, blockX, blockY, coefficients, 16 * (16 + block));
      Vp8Prediction.addInverseDct(redness, blockX, blockY, coefficients, 16 * (20 + block));
    }
    int level = parameters.filterLevel() + (whole ? 0 : subblockFilterDelta);
    strengths[row * columns + column] =
        Vp8LoopFilter.Strength.of(
            Math.clamp(level, 0, MAX_FILTER_LEVEL), sharpness, !whole || coded);
  }

  private int readLumaMode(int column) {
    if (header.bit(145) == 0) {
      for (int block = 0; block < 16; block++) {
        int above = 4 * column + (block & 3);
        int left = block >> 2;
        int mode = readSubblockMode(9 * (10 * modesAbove[above] + modesLeft[left]));
        modes[block] = mode;
        modesAbove[above] = mode;
        modesLeft[left] = mode;
      }
      return SUBBLOCK_PREDICTION;
    }
    int mode;
    if (header.bit(156) == 0) {
      mode = header.bit(163) == 0 ? Vp8Prediction.DC : Vp8Prediction.VERTICAL;
    } else {
      mode = header.bit(128) == 0 ? Vp8Prediction.HORIZONTAL : Vp8Prediction.TRUE_MOTION;
    }
    int asSubblock =
        switch (mode) {
          case Vp8Prediction.DC -> Vp8Prediction.B_DC;
          case Vp8Prediction.VERTICAL -> Vp8Prediction.B_VERTICAL;
          case Vp8Prediction.HORIZONTAL -> Vp8Prediction.B_HORIZONTAL;
          default -> Vp8Prediction.B_TRUE_MOTION;
        };
    Arrays.fill(modesAbove, 4 * column, 4 * column + 4, asSubblock);
    Arrays.fill(modesLeft, asSubblock);
    return mode;
  }

  private int readChromaMode() {
    if (header.bit(142) == 0) {
      return Vp8Prediction.DC;
    }
    if (header.bit(114) == 0) {
      return Vp8Prediction.VERTICAL;
    }
    return header.bit(183) == 0 ? Vp8Prediction.HORIZONTAL : Vp8Prediction.TRUE_MOTION;
  }

  /**
   * Walks the tree of subblock modes: a positive entry is the next node, another one minus the
   * mode.
   */
  private int readSubblockMode(int probabilities) {
    int node = 0;
    do {
      node =
          SUBBLOCK_TREE[
              node + header.bit(Vp8Constants.SUBBLOCK_MODES[probabilities + (node >> 1)])];
    } while (node > 0);
    return -node;
  }

  private void repeatLastSample(int y) {
    int end = luma.index(16 * columns, y);
    Arrays.fill(luma.samples, end, end + 4, luma.samples[end - 1]);
  }

  private void filter(int column, int row, Vp8LoopFilter.Strength strength) {
    if (strength.limit() == 0) {
      return;
    }
    Vp8LoopFilter.filter(luma, 16 * column, 16 * row, 16, strength, simpleFilter);
    if (!simpleFilter) {
      Vp8LoopFilter.filter(blueness, 8 * column, 8 * row, 8, strength, false);
      Vp8LoopFilter.filter(redness, 8 * column, 8 * row, 8, strength, false);
    }
  }
}
