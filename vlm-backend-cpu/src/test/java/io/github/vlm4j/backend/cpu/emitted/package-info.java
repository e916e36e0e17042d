@NullMarked
package io.github.vlm4j.backend.cpu.emitted;

import org.jspecify.annotations.NullMarked;
