/** The CPU backend: scalar and Vector API forms of every operation. */
@NullMarked
package io.github.vlm4j.backend.cpu;

import org.jspecify.annotations.NullMarked;
