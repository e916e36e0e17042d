import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.ModelSupport;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * Jlama's side of the comparison of text models. Arguments: a Hugging Face folder, "bf16" or "q4"
 * (its own four-bit blocks with eight-bit activations; the folder is converted once, beside it),
 * the threads, the prompt's tokens, the tokens to write, the repetitions. Answers with a line of
 * tokens/s of reading and one of writing, after one time that does not count.
 */
public final class JlamaSide {

  private JlamaSide() {}

  /** Measures. */
  public static void main(String[] args) throws Exception {
    boolean q4 = args[1].equals("q4");
    int threads = Integer.parseInt(args[2]);
    int prompt = Integer.parseInt(args[3]);
    int written = Integer.parseInt(args[4]);
    int repetitions = Integer.parseInt(args[5]);
    AbstractModel model =
        ModelSupport.loadModel(
            AbstractModel.InferenceType.FULL_GENERATION,
            q4 ? quantized(Path.of(args[0])) : new File(args[0]),
            null,
            DType.F32,
            q4 ? DType.I8 : DType.BF16,
            q4 ? Optional.empty() : Optional.of(DType.BF16),
            Optional.of(threads),
            Optional.empty(),
            SafeTensorSupport::loadWeights);
    int vocabulary = model.getConfig().vocabularySize;
    int[] ids = new int[prompt];
    for (int i = 0; i < prompt; i++) {
      ids[i] = i * 31 % vocabulary;
    }
    AbstractTensor logits = model.makeDenseTensor(vocabulary);
    StringBuilder prefill = new StringBuilder("prefill");
    StringBuilder decode = new StringBuilder("decode");
    for (int repetition = 0; repetition <= repetitions; repetition++) {
      try (var cache = new KvBufferCache(model).getEphemeralKvBuffer()) {
        long started = System.nanoTime();
        model.batchForward(ids, 0, cache).close();
        long read = System.nanoTime();
        for (int i = 0; i < written; i++) {
          try (AbstractTensor hidden = model.forward(i, prompt + i, cache, Optional.empty())) {
            model.sample(hidden, 0f, 0f, logits);
          }
        }
        long ended = System.nanoTime();
        if (repetition > 0) {
          prefill.append(String.format(Locale.ROOT, " %.3f", prompt / ((read - started) / 1e9)));
          decode.append(String.format(Locale.ROOT, " %.3f", written / ((ended - read) / 1e9)));
        }
      }
    }
    System.out.println(prefill);
    System.out.println(decode);
    System.exit(0);
  }

  private static File quantized(Path folder) throws Exception {
    Path target = folder.resolveSibling(folder.getFileName() + "-q4");
    if (!Files.exists(target)) {
      SafeTensorSupport.quantizeModel(
          folder, DType.Q4, new String[0], new String[0], Optional.of(target));
    }
    return target.toFile();
  }
}
