package io.github.vlm4j.core.conformance;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/** All scenarios of the suite, by the operation or the property that they test. */
final class ConformanceCases {

  private ConformanceCases() {}

  static SequencedMap<String, List<ConformanceCase>> all() {
    SequencedMap<String, List<ConformanceCase>> all = new LinkedHashMap<>();
    all.put("linear", LinearCases.all());
    all.put("convolve", ConvolutionCases.convolve());
    all.put("averagePool", ConvolutionCases.averagePool());
    all.put("add", ElementwiseCases.add());
    all.put("multiply", ElementwiseCases.multiply());
    all.put("activate", ElementwiseCases.activate());
    all.put("gate", ElementwiseCases.gate());
    all.put("route", ExpertCases.route());
    all.put("experts", ExpertCases.experts());
    all.put("rmsNorm", NormCases.rms());
    all.put("layerNorm", NormCases.layer());
    all.put("rope", AttentionCases.rope());
    all.put("attention", AttentionCases.attention());
    all.put("attentionWeights", AttentionCases.weights());
    all.put("crossAttention", CrossAttentionCases.attention());
    all.put("crossAttentionWeights", CrossAttentionCases.weights());
    all.put("append", CacheCases.append());
    all.put("cachedAttention", CacheCases.attention());
    all.put("rows", MovementCases.rows());
    all.put("reshape", MovementCases.reshape());
    all.put("concat", MovementCases.concat());
    all.put("gather", MovementCases.gather());
    all.put("weightedGather", MovementCases.weightedGather());
    all.put("scatter", MovementCases.scatter());
    all.put("products and what follows", ProductChainCases.all());
    all.put("reuse of memory", AliasingCases.all());
    all.put("whole models", ModelCases.all());
    return all;
  }
}
