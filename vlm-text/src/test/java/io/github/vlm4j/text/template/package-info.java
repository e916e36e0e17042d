@NullMarked
package io.github.vlm4j.text.template;

import org.jspecify.annotations.NullMarked;
