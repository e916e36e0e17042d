/** The innermost loops of the CPU backend, as a contract with a scalar and a vector form. */
@NullMarked
package io.github.vlm4j.backend.cpu.kernel;

import org.jspecify.annotations.NullMarked;
