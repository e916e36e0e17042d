@NullMarked
package io.github.vlm4j.backend.cpu.kernel;

import org.jspecify.annotations.NullMarked;
