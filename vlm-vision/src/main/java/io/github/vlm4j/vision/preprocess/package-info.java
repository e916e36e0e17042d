/** From pictures to the patches a vision encoder takes, as the reference processors make them. */
@NullMarked
package io.github.vlm4j.vision.preprocess;

import org.jspecify.annotations.NullMarked;
