/** Running an architecture on a backend: compiled graphs, caches and the generation loop. */
@NullMarked
package io.github.vlm4j.models.runtime;

import org.jspecify.annotations.NullMarked;
