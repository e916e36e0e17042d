/** Pictures: read from every common file format, upright, as 8-bit RGB. */
@NullMarked
package io.github.vlm4j.vision.image;

import org.jspecify.annotations.NullMarked;
