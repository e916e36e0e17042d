package com.llama4j;

import java.nio.file.Path;
import java.util.Locale;

/**
 * llama3.java's side of the comparison of text models, compiled together with its one file, whose
 * classes are of this package. Arguments: a GGUF file of a Llama, the prompt's tokens, how many of
 * them it takes at a time, the tokens to write, the repetitions. Answers with a line of tokens/s of
 * reading and one of writing behind that prompt, after one time that does not count.
 */
public final class Llama3Side {

  private Llama3Side() {}

  /** Measures. */
  public static void main(String[] args) throws Exception {
    int prompt = Integer.parseInt(args[1]);
    int batch = Integer.parseInt(args[2]);
    int written = Integer.parseInt(args[3]);
    int repetitions = Integer.parseInt(args[4]);
    Llama model = ModelLoader.loadModel(Path.of(args[0]), prompt + written, true);
    int vocabulary = model.configuration().vocabularySize;
    Llama.State state = new Llama.State(model.configuration(), batch);
    StringBuilder prefill = new StringBuilder("prefill");
    StringBuilder decode = new StringBuilder("decode");
    for (int repetition = 0; repetition <= repetitions; repetition++) {
      long started = System.nanoTime();
      for (int from = 0; from < prompt; from += batch) {
        int[] ids = new int[Math.min(batch, prompt - from)];
        for (int i = 0; i < ids.length; i++) {
          ids[i] = (from + i) * 31 % vocabulary;
        }
        Llama.forward(model, state, ids, from, from + ids.length == prompt);
      }
      int next = state.logits.argmax();
      long read = System.nanoTime();
      for (int i = 0; i < written; i++) {
        next = Llama.forward(model, state, new int[] {next}, prompt + i, true).argmax();
      }
      long ended = System.nanoTime();
      if (repetition > 0) {
        prefill.append(String.format(Locale.ROOT, " %.3f", prompt / ((read - started) / 1e9)));
        decode.append(String.format(Locale.ROOT, " %.3f", written / ((ended - read) / 1e9)));
      }
    }
    System.out.println(prefill);
    System.out.println(decode);
  }
}
