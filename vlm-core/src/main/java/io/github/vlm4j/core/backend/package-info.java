/** What runs graphs: the contract of a backend, and how one is found and chosen. */
@NullMarked
package io.github.vlm4j.core.backend;

import org.jspecify.annotations.NullMarked;
