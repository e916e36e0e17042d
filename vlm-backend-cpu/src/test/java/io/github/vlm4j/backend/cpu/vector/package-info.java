/** Tests of the Vector API kernels at the width that {@code vlm.cpu.vector.bits} says. */
@NullMarked
package io.github.vlm4j.backend.cpu.vector;

import org.jspecify.annotations.NullMarked;
