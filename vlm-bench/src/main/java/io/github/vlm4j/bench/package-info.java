/** JMH benchmarks. */
@org.jspecify.annotations.NullMarked
package io.github.vlm4j.bench;
