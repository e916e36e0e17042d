@NullMarked
package io.github.vlm4j.text.decoder;

import org.jspecify.annotations.NullMarked;
