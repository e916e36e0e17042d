package io.github.vlm4j.cli;

import io.github.vlm4j.core.quant.QuantisationScheme;
import io.github.vlm4j.models.ModelQuantiser;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code vlm quantize}: writes a smaller copy of a model. */
@Command(
    name = "quantize",
    description = {
      "Writes a copy of a model with its matrices in 8 or 4 bits, which is smaller and writes"
          + " faster at some loss of quality.",
      "q8_0 loses next to nothing at 53 %% of 16 bits; q4_k_m keeps more than q4_0 at about the"
          + " same size, some 30 %%.",
      "Which matrices are quantised, and to what, is as llama.cpp does it for language models."
          + " Vision encoders and connectors stay as they are unless --vision is given, as they"
          + " suffer most and gain least.",
      "A run that was ended, even killed, is continued by the next one, if it writes a folder."
    },
    mixinStandardHelpOptions = true)
final class QuantizeCommand implements Callable<Integer> {

  /** What a model can be quantised to. */
  enum Target {
    Q8_0(QuantisationScheme.Q8_0),
    Q4_0(QuantisationScheme.Q4_0),
    Q4_K_M(QuantisationScheme.Q4_K_M);

    final QuantisationScheme scheme;

    Target(QuantisationScheme scheme) {
      this.scheme = scheme;
    }
  }

  private final Terminal terminal;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "A model folder, as published.")
  Path model = Path.of("");

  @Option(
      names = "--to",
      required = true,
      paramLabel = "TYPE",
      description = "q8_0, q4_0 or q4_k_m.")
  Target to = Target.Q8_0;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR|FILE.gguf",
      description = {
        "The folder to write, made if it is not there; used as any model folder.",
        "Or a GGUF file, of a model that llama.cpp knows, too: Llama, Mistral, Qwen2, Qwen3,"
            + " Qwen2-VL, Qwen2.5-VL, Qwen3-VL and LLaVA 1.5, without experts. Beside it comes"
            + " mmproj-FILE.gguf, the vision encoder, if there is one. An ended run begins anew."
      })
  Path out = Path.of("");

  @Option(
      names = "--vision",
      description =
          "Quantises vision encoders and connectors, too, where the rows of their matrices are "
              + "whole blocks.")
  boolean vision;

  QuantizeCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    ModelQuantiser quantiser = new ModelQuantiser(to.scheme, vision, this::tell);
    boolean gguf = out.toString().toLowerCase(Locale.ROOT).endsWith(".gguf");
    ModelQuantiser.Summary summary =
        gguf ? quantiser.quantiseToGguf(model, out) : quantiser.quantise(model, out);
    terminal.clearProgress();
    terminal.out().println(said(summary));
    return Main.OK;
  }

  private void tell(String tensor, long done, long total) {
    terminal.progress(
        String.format(
            Locale.ROOT,
            "%3d %% %s",
            total == 0 ? 0 : 100 * done / total,
            ShownPath.printable(tensor)));
  }

  private static String said(ModelQuantiser.Summary summary) {
    String text =
        String.format(
            Locale.ROOT,
            "%d of %d tensors quantised, %s became %s",
            summary.quantised(),
            summary.tensors(),
            InspectCommand.bytes(summary.bytesBefore()),
            InspectCommand.bytes(summary.bytesAfter()));
    if (summary.continued() > 0) {
      text += "; went on after " + summary.continued() + " tensors that were done";
    }
    return summary.files().size() == 1
        ? text
        : text
            + "; the vision encoder is in "
            + ShownPath.printable(summary.files().getLast().toString());
  }
}
