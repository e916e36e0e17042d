/** Tensors, checkpoints, the computation graph and the contracts that every module shares. */
module io.github.vlm4j.core {
  requires transitive com.fasterxml.jackson.databind;
  requires transitive org.jspecify;
  requires org.slf4j;
  requires transitive jdk.jfr;

  exports io.github.vlm4j.core;
  exports io.github.vlm4j.core.weights;
  exports io.github.vlm4j.core.tensor;
  exports io.github.vlm4j.core.nn;
  exports io.github.vlm4j.core.graph;
  exports io.github.vlm4j.core.backend;
  exports io.github.vlm4j.core.checkpoint;
  exports io.github.vlm4j.core.event;
  exports io.github.vlm4j.core.model;
  exports io.github.vlm4j.core.quant;

  uses io.github.vlm4j.core.backend.BackendProvider;
}
