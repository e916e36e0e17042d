@NullMarked
package io.github.vlm4j.text.contrastive;

import org.jspecify.annotations.NullMarked;
