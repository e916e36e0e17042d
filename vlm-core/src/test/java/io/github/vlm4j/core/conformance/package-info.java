/**
 * The conformance kit: one suite that every backend runs against itself, comparing each operation
 * and small whole models with an evaluation in double precision.
 */
@NullMarked
package io.github.vlm4j.core.conformance;

import org.jspecify.annotations.NullMarked;
