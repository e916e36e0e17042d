package io.github.vlm4j.models.runtime;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.models.chat.AnswerScore;
import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.text.generate.CrossEntropy;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** How likely an answer is: it is read after its prompt in one go, and each token looked up. */
public final class AnswerScoring {

  private final PromptReader prompts;
  private final int contextLength;

  /** Takes what does the work. */
  public AnswerScoring(PromptReader prompts, int contextLength) {
    this.prompts = prompts;
    this.contextLength = contextLength;
  }

  /**
   * Scores an answer.
   *
   * @param prompt the conversation as the decoder reads it
   * @param sequence its tokens
   * @param answer the answer's tokens
   * @throws InputException if there is no token, or more than fit; no work has been done then
   */
  public AnswerScore score(PreparedPrompt prompt, TokenSequence sequence, int[] answer) {
    requireRoom(prompt, answer);
    int last = prompt.ids().length - 1;
    // Nothing is asked of what comes after the last token, so that it need not be read.
    TokenSequence read = sequence.followedBy(Arrays.copyOf(answer, answer.length - 1));
    int[] all = sequence.followedBy(answer).ids();
    CrossEntropy entropy = new CrossEntropy(CrossEntropy.nextTokens(all, last + 1));
    List<EncodedVisual> visuals = prompts.begin(prompt, read, last, (done, total) -> {}).visuals();
    prompts.decoder().read(read.ids(), visuals, read.positions(), last, entropy::add, done -> {});
    return new AnswerScore(
        IntStream.of(answer).boxed().toList(),
        entropy.logprobs(),
        prompt.ids().length,
        prompt.imageTokens());
  }

  private void requireRoom(PreparedPrompt prompt, int[] answer) {
    if (answer.length == 0) {
      throw new InputException("The answer has no tokens; there is nothing to score.");
    }
    if (prompt.ids().length + answer.length > contextLength) {
      throw new InputException(
          "The prompt has "
              + prompt.ids().length
              + " tokens ("
              + prompt.imageTokens()
              + " of them for pictures) and the answer "
              + answer.length
              + " but this model reads at most "
              + contextLength
              + " in all; shorten the texts or use smaller or fewer pictures.");
    }
  }
}
