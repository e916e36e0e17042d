/** JMH benchmarks. */
module io.github.vlm4j.bench {
  requires io.github.vlm4j.models;
  requires jmh.core;
}
