/** The CPU backend: scalar and Vector API forms of every operation. */
module io.github.vlm4j.backend.cpu {
  requires io.github.vlm4j.core;
  requires org.slf4j;
  requires static jdk.incubator.vector;

  provides io.github.vlm4j.core.backend.BackendProvider with
      io.github.vlm4j.backend.cpu.CpuBackendProvider;
}
