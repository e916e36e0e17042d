/** Image decoding, preprocessing and vision encoders. */
@org.jspecify.annotations.NullMarked
package io.github.vlm4j.vision;
