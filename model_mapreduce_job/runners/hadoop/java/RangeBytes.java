package modelmapreducejob;

import java.io.EOFException;
import java.io.IOException;
import org.apache.hadoop.fs.FSDataInputStream;

/** The bytes of one range of a file, which are no lines. */
final class RangeBytes implements SplitLines {
  private final FSDataInputStream file;
  private final long end;
  private long position;

  RangeBytes(FSDataInputStream file, long start, long end) throws IOException {
    this.file = file;
    this.end = end;
    position = start;
    file.seek(start);
  }

  @Override
  public int read(byte[] buffer, int size) throws IOException {
    if (position >= end) {
      return -1;
    }
    int read = file.read(buffer, 0, (int) Math.min(size, end - position));
    if (read < 0) {
      throw new EOFException("it became shorter");
    }
    position += read;
    return read;
  }

  @Override
  public long position() {
    return position;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
