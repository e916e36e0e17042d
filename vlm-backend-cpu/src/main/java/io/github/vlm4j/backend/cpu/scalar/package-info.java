/** The kernels in plain Java: the readable reference, and what runs without the Vector API. */
@NullMarked
package io.github.vlm4j.backend.cpu.scalar;

import org.jspecify.annotations.NullMarked;
