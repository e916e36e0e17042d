@NullMarked
package io.github.vlm4j.backend.cpu;

import org.jspecify.annotations.NullMarked;
