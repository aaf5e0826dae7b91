package modelmapreducejob;

import java.io.IOException;
import java.io.OutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.ByteWritable;
import org.apache.hadoop.io.BytesWritable;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.GzipCodec;
import org.apache.hadoop.mapred.FileOutputFormat;
import org.apache.hadoop.mapred.JobConf;
import org.apache.hadoop.mapred.RecordWriter;
import org.apache.hadoop.mapred.Reporter;
import org.apache.hadoop.mapreduce.TaskCounter;
import org.apache.hadoop.util.Progressable;
import org.apache.hadoop.util.ReflectionUtils;

/**
 * Writes a task's blocks to its part, compressed where the job says so, and its report, which may be of
 * several frames, to a file of the same name in a directory beside it. Both are of the same attempt, and so
 * are committed together.
 */
public final class BlockOutputFormat extends FileOutputFormat<ByteWritable, BytesWritable> {
  /** Hidden from whoever reads the output. */
  static final String REPORTS = "_task_reports";
  /** What the names of parts end with, where the task has compressed them itself. */
  static final String ENDING = "modelmapreducejob.part.ending";

  @Override
  public RecordWriter<ByteWritable, BytesWritable> getRecordWriter(
      FileSystem unused, JobConf job, String name, Progressable progress) throws IOException {
    String ending = job.get(ENDING, "");
    OutputStream part = createPart(job, name, ending, progress);
    Reporter reporter = progress instanceof Reporter ? (Reporter) progress : Reporter.NULL;
    return new RecordWriter<ByteWritable, BytesWritable>() {
      private OutputStream report;

      @Override
      public void write(ByteWritable kind, BytesWritable content) throws IOException {
        byte[] bytes = content.getBytes();
        if (kind.get() == Frames.REPORT && report == null) {
          report = create(job, REPORTS + Path.SEPARATOR + name, Reporter.NULL);
        }
        OutputStream out = kind.get() == Frames.REPORT ? report : part;
        out.write(bytes, 0, content.getLength());
        // Hadoop counts each frame as a record; the lines of compressed bytes are not known
        boolean isText = kind.get() != Frames.REPORT && ending.isEmpty();
        long lines = isText ? Newlines.count(bytes, content.getLength()) : 0;
        reporter.incrCounter(TaskCounter.MAP_OUTPUT_RECORDS, lines - 1);
      }

      @Override
      public void close(Reporter unused) throws IOException {
        part.close();
        if (report != null) {
          report.close();
        }
      }
    };
  }

  private static OutputStream createPart(JobConf job, String name, String ending, Progressable progress)
      throws IOException {
    if (!ending.isEmpty() || !getCompressOutput(job)) {
      return create(job, name + ending, progress);
    }
    CompressionCodec codec = ReflectionUtils.newInstance(getOutputCompressorClass(job, GzipCodec.class), job);
    return codec.createOutputStream(create(job, name + codec.getDefaultExtension(), progress));
  }

  private static OutputStream create(JobConf job, String name, Progressable progress) throws IOException {
    Path path = getTaskOutputPath(job, name);
    return path.getFileSystem(job).create(path, progress);
  }
}
