/** Language models without pictures: Llama, Mistral, Qwen. */
@NullMarked
package io.github.vlm4j.models.text;

import org.jspecify.annotations.NullMarked;
