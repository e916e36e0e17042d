package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.AttentionLoops;
import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;

/**
 * Prompts of a few tokens whose matrix products all go through emitted code, row by row or with
 * rounded inputs. Next to these, what else is computed is so little that plain loops are quick
 * enough, while vector code would have to be compiled first: a short question is answered seconds
 * sooner after a start. Whether a graph is one, and which attention takes which loops, is decided
 * by shapes alone, so that the same question gets the same answer whatever was computed before.
 */
final class ShortPrompt {

  private ShortPrompt() {}

  /** Returns the team for a graph: with plain loops if the graph reads such a prompt. */
  static Team team(Team team, Graph graph, Leaves leaves) {
    if (!isRead(team, graph, leaves)) {
      return team;
    }
    ScalarKernels plain = new ScalarKernels();
    return new Team(
        plain,
        team.emitted(),
        new LittleAttention(plain, team.attention()),
        team.emitted() == null ? plain : team.emitted().elements(plain),
        plain,
        null,
        team.workers(),
        team.scratch(),
        team.packed());
  }

  private static boolean isRead(Team team, Graph graph, Leaves leaves) {
    boolean several = false;
    for (Value value : graph.values()) {
      switch (value.op()) {
        case Op.Linear op -> {
          if (!isEmitted(team, leaves.matrix(value.operands().get(1)), rows(value))) {
            return false;
          }
          several |= rows(value) > 1;
        }
        case Op.Convolve op -> {
          return false;
        }
        case Op.Experts op -> {
          return false;
        }
        default -> {}
      }
    }
    return several;
  }

  private static boolean isEmitted(Team team, Matrix weight, int rows) {
    return MatVecStep.isEmitted(team, weight, rows)
        || rows <= MatVecStep.MOST_EMITTED_ROWS
            && PreparedLinearStep.rounded(team, weight, rows) != null;
  }

  private static int rows(Value value) {
    return (int) value.shape().rows();
  }

  /**
   * Attention in plain loops where few keys are seen, and in others elsewhere.
   *
   * @param plain the loops that need no compiling
   * @param others the loops that are faster once they are compiled
   */
  record LittleAttention(AttentionLoops plain, AttentionLoops others) implements AttentionLoops {

    /** Products of queries and keys of one head up to which plain loops are quick enough. */
    static final int MOST_SCORES = 1024;

    @Override
    public int attendScratch(int headDim, int valueDim) {
      return Math.max(
          plain.attendScratch(headDim, valueDim), others.attendScratch(headDim, valueDim));
    }

    @Override
    public int queryTile() {
      return others.queryTile();
    }

    @Override
    public void attend(AttentionTask task, int firstQuery, int lastQuery, float[] scratch) {
      long scores = (long) (lastQuery - firstQuery) * task.keys;
      (scores <= MOST_SCORES ? plain : others).attend(task, firstQuery, lastQuery, scratch);
    }
  }
}
