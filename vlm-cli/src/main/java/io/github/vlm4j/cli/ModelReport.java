package io.github.vlm4j.cli;

import static io.github.vlm4j.models.runtime.ModelBenchmark.Result.median;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.models.runtime.ModelBenchmark.Decode;
import io.github.vlm4j.models.runtime.ModelBenchmark.Picture;
import io.github.vlm4j.models.runtime.ModelBenchmark.Prefill;
import io.github.vlm4j.models.runtime.ModelBenchmark.Result;
import java.util.Locale;
import java.util.Optional;

/**
 * What was measured of a model that writes, in words and as JSON.
 *
 * @param where it was measured
 * @param result the figures
 */
record ModelReport(Surroundings where, Result result) implements BenchReport {

  private Optional<Double> share(Prefill prefill) {
    return where.ofArithmetic(
        prefill.flops() / prefill.tokens() * median(prefill.tokensPerSecond()));
  }

  private Optional<Double> share(Decode decode) {
    return where.ofBandwidth(decode.bytes() * median(decode.tokensPerSecond()));
  }

  private Optional<Double> share(Picture picture) {
    return where.ofArithmetic(picture.flops() / (median(picture.ms()) / 1000));
  }

  private static String name(DType type) {
    return type.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public String text() {
    StringBuilder text = new StringBuilder(where.backend());
    text.append("; weights in ").append(name(result.weightType()));
    text.append(", keys and values in ").append(name(result.cacheType()));
    text.append(System.lineSeparator());
    for (Prefill prefill : result.prefills()) {
      BenchReport.line(
          text,
          "prefill of " + prefill.tokens(),
          "%.1f tokens/s".formatted(median(prefill.tokensPerSecond())),
          prefill.tokensPerSecond(),
          share(prefill),
          "peak arithmetic");
    }
    for (Decode decode : result.decodes()) {
      BenchReport.line(
          text,
          "decode at " + decode.context(),
          "%.2f tokens/s".formatted(median(decode.tokensPerSecond())),
          decode.tokensPerSecond(),
          share(decode),
          "bandwidth");
    }
    for (Picture picture : result.pictures()) {
      BenchReport.line(
          text,
          "image of %d×%d".formatted(picture.size().height(), picture.size().width()),
          "%.0f ms".formatted(median(picture.ms())),
          picture.ms(),
          share(picture),
          "peak arithmetic");
    }
    for (Decode decode : result.decodes()) {
      text.append(
          "%-20s %.0f bytes a token, decoding at %d%n"
              .formatted("allocation", decode.allocatedBytes(), decode.context()));
    }
    return text.append(where.text()).toString();
  }

  @Override
  public ObjectNode json() {
    ObjectNode node = where.json();
    node.put("weights", name(result.weightType()));
    node.put("cache", name(result.cacheType()));
    ArrayNode prefills = node.putArray("prefill");
    for (Prefill prefill : result.prefills()) {
      ObjectNode each = prefills.addObject();
      each.put("promptTokens", prefill.tokens());
      each.put("tokensPerSecond", median(prefill.tokensPerSecond()));
      each.put("flops", prefill.flops());
      BenchReport.figures(each, prefill.tokensPerSecond(), share(prefill));
    }
    ArrayNode decodes = node.putArray("decode");
    for (Decode decode : result.decodes()) {
      ObjectNode each = decodes.addObject();
      each.put("context", decode.context());
      each.put("tokensPerSecond", median(decode.tokensPerSecond()));
      each.put("bytesPerToken", decode.bytes());
      each.put("allocatedBytesPerToken", decode.allocatedBytes());
      BenchReport.figures(each, decode.tokensPerSecond(), share(decode));
    }
    ArrayNode pictures = node.putArray("image");
    for (Picture picture : result.pictures()) {
      ObjectNode each = pictures.addObject();
      each.put("height", picture.size().height());
      each.put("width", picture.size().width());
      each.put("ms", median(picture.ms()));
      each.put("flops", picture.flops());
      BenchReport.figures(each, picture.ms(), share(picture));
    }
    return node;
  }
}
