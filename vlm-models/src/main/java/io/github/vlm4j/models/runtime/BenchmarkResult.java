package io.github.vlm4j.models.runtime;

/** What a benchmark measured. */
public sealed interface BenchmarkResult permits ModelBenchmark.Result, EncoderBenchmark.Result {}
