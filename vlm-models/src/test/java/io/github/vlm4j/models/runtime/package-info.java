@NullMarked
package io.github.vlm4j.models.runtime;

import org.jspecify.annotations.NullMarked;
