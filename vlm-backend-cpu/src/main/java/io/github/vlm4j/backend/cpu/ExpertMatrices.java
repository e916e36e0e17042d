package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import java.util.List;

/**
 * The weights of one expert, where they lie: with a row for each output, or with a row for each
 * input.
 *
 * @param gate holds the outputs of gate from 0 on
 * @param up holds the outputs of up
 * @param upAt the first output of up
 * @param down holds the outputs of down
 */
record ExpertMatrices(Matrix gate, Matrix up, int upAt, Matrix down) {

  /** Returns the weights of {@code gate}, {@code up} and {@code down}. */
  static ExpertMatrices of(List<Matrix> stored) {
    return new ExpertMatrices(stored.get(0), stored.get(1), 0, stored.get(2));
  }

  /** Returns the weights of {@code gateUp} and {@code down}, stored the other way round. */
  static ExpertMatrices transposed(List<Matrix> stored) {
    Matrix both = stored.get(0);
    return new ExpertMatrices(both, both, both.columns() / 2, stored.get(1));
  }
}
