import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.util.Locale;
import java.util.Map;
import java.util.Scanner;

/**
 * ONNX Runtime's side of the comparison. Arguments: a model of one input "pixels", the pictures of
 * a batch, their side in pixels, the threads. For each number on standard input, encodes that many
 * batches and answers with the milliseconds of each.
 */
public final class OnnxSide {

  private OnnxSide() {}

  /** Serves until standard input ends. */
  public static void main(String[] args) throws OrtException {
    int batch = Integer.parseInt(args[1]);
    int side = Integer.parseInt(args[2]);
    FloatBuffer pixels = FloatBuffer.allocate(batch * 3 * side * side);
    for (int i = 0; i < pixels.capacity(); i++) {
      pixels.put(i, i % 511 / 255f - 1);
    }
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(Integer.parseInt(args[3]));
    options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession session = environment.createSession(args[0], options);
        OnnxTensor input =
            OnnxTensor.createTensor(environment, pixels, new long[] {batch, 3, side, side})) {
      Map<String, OnnxTensor> inputs = Map.of("pixels", input);
      System.out.println("ready onnxruntime " + environment.getVersion());
      Scanner in = new Scanner(System.in);
      while (in.hasNextInt()) {
        int runs = in.nextInt();
        StringBuilder times = new StringBuilder();
        for (int i = 0; i < runs; i++) {
          long start = System.nanoTime();
          session.run(inputs).close();
          double milliseconds = (System.nanoTime() - start) / 1e6;
          times.append(String.format(Locale.ROOT, "%.3f ", milliseconds));
        }
        System.out.println(times);
      }
    }
  }
}
