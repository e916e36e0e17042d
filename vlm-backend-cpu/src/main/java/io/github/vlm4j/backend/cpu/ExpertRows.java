package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.ElementLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.core.graph.Activation;

/**
 * Which rows use which expert in a run, read off the gates: for one expert after the other the rows
 * that use it, in order. Experts are taken in groups whose rows fit the memory for what lies
 * between their layers. Each expert's rows begin at a multiple of the tile, and the last is
 * repeated up to the next one.
 */
final class ExpertRows {

  private final Span gates;
  private final int rows;
  private final int experts;
  private final int tile;
  private final int[] expert;
  private final int[] first;
  private final int[] count;
  private final int[] row;
  private final float[] share;
  private final Runs inputs;
  private final Runs gated;
  private int active;

  /**
   * Makes room for the rows of a group.
   *
   * @param gates {@code [rows, experts]}
   * @param most how many rows of experts a group has, if those of one expert are not more
   */
  ExpertRows(Span gates, int rows, int experts, int hidden, int inter, int tile, int most) {
    this.gates = gates;
    this.rows = rows;
    this.experts = experts;
    this.tile = tile;
    int padded = Math.ceilDiv(rows, tile) * tile;
    int capacity =
        Math.clamp((long) padded * experts, padded, Math.max(padded, most / tile * tile));
    this.expert = new int[experts];
    this.first = new int[experts];
    this.count = new int[experts];
    this.row = new int[capacity];
    this.share = new float[capacity];
    this.inputs = new Runs(new int[capacity], capacity, 1, hidden, 0);
    this.gated = Runs.dense(capacity, inter, 1);
  }

  /** Returns the most rows of a group, those that are repeated included. */
  int capacity() {
    return row.length;
  }

  /**
   * Finds the rows of the next experts.
   *
   * @param from the first expert of the group
   * @return the first expert of the next group
   */
  int find(int from) {
    active = 0;
    int at = 0;
    float[] all = gates.floats();
    for (int e = from; e < experts; e++) {
      if (at + Math.ceilDiv(rows, tile) * tile > capacity()) {
        return e;
      }
      int begin = at;
      for (int i = 0; i < rows; i++) {
        float gate = all[gates.at() + i * experts + e];
        if (gate != 0) {
          share[at] = gate;
          use(at++, i);
        }
      }
      if (at > begin) {
        expert[active] = e;
        first[active] = begin;
        count[active++] = at - begin;
      }
      for (; at % tile != 0; at++) {
        use(at, row[at - 1]);
      }
    }
    return experts;
  }

  private void use(int at, int i) {
    row[at] = i;
    inputs.starts()[at] = i * inputs.length();
  }

  /** Returns the number of experts of the group that any row uses. */
  int active() {
    return active;
  }

  /** Returns an expert that is used. */
  int expert(int index) {
    return expert[index];
  }

  /** Returns where an expert's rows begin in the group. */
  int first(int index) {
    return first[index];
  }

  /** Returns how many rows use an expert. */
  int count(int index) {
    return count[index];
  }

  /** Returns which row of the input a row of the group is. */
  int row(int at) {
    return row[at];
  }

  /**
   * Replaces some of what a row of the group has after gate by {@code share · activation(gate) ·
   * up}.
   */
  void gate(
      ElementLoops elements,
      Activation activation,
      int at,
      float[] gate,
      int gateAt,
      float[] up,
      int upAt,
      int n) {
    elements.gate(activation, gate, gateAt, up, upAt, gate, gateAt, n);
    float factor = share[at];
    for (int i = gateAt; i < gateAt + n; i++) {
      gate[i] *= factor;
    }
  }

  /** Returns the gate of a row of the group. */
  float share(int at) {
    return share[at];
  }

  /** Returns where the group's rows lie in the input. */
  Runs inputs() {
    return inputs;
  }

  /** Returns where they lie after the first layer, one after the other. */
  Runs gated() {
    return gated;
  }
}
