/**
 * The Vector API form of the innermost loops. Nothing outside this package may name a type of
 * {@code jdk.incubator.vector}, so that the backend still loads where that module is missing.
 *
 * <p>Loops are written for C2: species are static constants, accumulators are local variables
 * rather than arrays, and addresses in the inner loops are {@code int} offsets into {@code
 * float[]}.
 */
@NullMarked
package io.github.vlm4j.backend.cpu.vector;

import org.jspecify.annotations.NullMarked;
