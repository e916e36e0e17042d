/** The types every module shares. */
@NullMarked
package io.github.vlm4j.core;

import org.jspecify.annotations.NullMarked;
