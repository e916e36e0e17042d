/**
 * Pictures found by words or by example. {@link io.github.vlm4j.search.PictureIndexer} brings an
 * index on disk in line with a folder, {@link io.github.vlm4j.search.PictureIndex} is asked, {@link
 * io.github.vlm4j.search.ContactSheet} shows what was found.
 */
@NullMarked
package io.github.vlm4j.search;

import org.jspecify.annotations.NullMarked;
