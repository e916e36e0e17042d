@NullMarked
package io.github.vlm4j.backend.cpu.scalar;

import org.jspecify.annotations.NullMarked;
