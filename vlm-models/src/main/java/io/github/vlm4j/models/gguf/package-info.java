/** Models in GGUF files, as llama.cpp reads and writes them. */
@NullMarked
package io.github.vlm4j.models.gguf;

import org.jspecify.annotations.NullMarked;
