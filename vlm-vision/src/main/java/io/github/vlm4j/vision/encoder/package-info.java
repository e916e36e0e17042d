/** Vision encoders, each one file that reads like its paper's figure. */
@NullMarked
package io.github.vlm4j.vision.encoder;

import org.jspecify.annotations.NullMarked;
