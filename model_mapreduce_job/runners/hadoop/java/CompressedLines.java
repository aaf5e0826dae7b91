package modelmapreducejob;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.io.compress.BZip2Codec;
import org.apache.hadoop.io.compress.CodecPool;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.Decompressor;
import org.apache.hadoop.io.compress.SplitCompressionInputStream;
import org.apache.hadoop.io.compress.SplittableCompressionCodec;
import org.apache.hadoop.mapred.FileSplit;

/**
 * The lines of a compressed file, or of one of its splits, if its codec can split it. Such a split has the
 * lines that Hadoop's own LineRecordReader gives it: the first one that ends in it is another's, and it has
 * the one after its end, where ends are those of compressed blocks.
 */
final class CompressedLines implements SplitLines {
  private final FSDataInputStream file;
  private final Decompressor decompressor;
  private final InputStream in;
  private final SplitCompressionInputStream split; // null when the file is read whole
  private boolean inOthersLine;
  private boolean done;

  CompressedLines(FSDataInputStream file, CompressionCodec codec, FileSplit part) throws IOException {
    if (part.getLength() == 0) {
      throw new EOFException("it is empty, and should be compressed");
    }
    if (codec instanceof BZip2Codec) {
      Bzip2End.check(file, part);
    }
    this.file = file;
    decompressor = CodecPool.getDecompressor(codec);
    if (codec instanceof SplittableCompressionCodec) {
      long end = part.getStart() + part.getLength();
      split = ((SplittableCompressionCodec) codec).createInputStream(
          file, decompressor, part.getStart(), end, SplittableCompressionCodec.READ_MODE.BYBLOCK);
      in = split;
      inOthersLine = split.getAdjustedStart() != 0;
    } else {
      split = null;
      in = codec.createInputStream(file, decompressor);
    }
  }

  @Override
  public int read(byte[] buffer, int size) throws IOException {
    while (!done) {
      int read = in.read(buffer, 0, size); // never to another place: bzip2 reads too much then
      if (read < 0) {
        break;
      }
      boolean beyond = split != null && split.getPos() > split.getAdjustedEnd();
      int newline = inOthersLine || beyond ? Newlines.first(buffer, 0, read) : -1;
      done = beyond && (inOthersLine || newline >= 0);
      int from = inOthersLine ? newline + 1 : 0;
      int to = inOthersLine && (done || newline < 0) ? from : done ? newline + 1 : read;
      inOthersLine &= newline < 0;
      if (to > from) {
        System.arraycopy(buffer, from, buffer, 0, to - from);
        return to - from;
      }
    }
    return -1;
  }

  @Override
  public long position() throws IOException {
    return file.getPos();
  }

  @Override
  public void close() throws IOException {
    try {
      in.close();
    } finally {
      CodecPool.returnDecompressor(decompressor);
    }
  }
}
